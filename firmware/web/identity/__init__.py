"""Signing in by the municipality's own provider: OpenID Connect, code flow with PKCE."""
