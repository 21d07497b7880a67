"""What happens to a call: `plan.plan(call, directory, state, now) -> Plan`, and what that rests on. Pure; see
`model`."""
