"""``distrokit tail``: what arrives at the receiver, shown as it comes."""
