"""What happens to a call.

The edge that carries it, the digest that lets a phone in, the agent that speaks SIP itself, what may be done with a
call that Python leads (`call`), the records that are left.
Nothing here knows which devices the unit has or where its files lie: what this package needs of directory, journal and
trunk it states as Protocols, and ``firmware`` hands them in.
"""
