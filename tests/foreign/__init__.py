"""Parties that share no code with the portal, and the portal as a process for them to meet."""
