"""What devices say, as cores without IO: bytes in, values out, and back."""
