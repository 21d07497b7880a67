"""The edge: a Kamailio in line between phones and platform. `cfg/` is its configuration, split by duty; `settings` what
it needs to know; `render` makes the file that it runs on; `rpc` talks to it while it runs."""
