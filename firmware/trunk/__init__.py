"""The process `trunk`: a small gateway between SIP and modems."""
