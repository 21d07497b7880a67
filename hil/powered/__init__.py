"""Power in rigs that shake it: evenings of the policy in virtual time, and power as a part of a storm."""
