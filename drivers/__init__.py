"""One device, one file.

Each driver states in a short Protocol what its device can do, in the words of the trade, and then speaks the real
wire. Devices are opened by URL, so that a simulator needs no branch here. Nothing in this package knows what a call is.
"""
