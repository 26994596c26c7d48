"""Copying files to a node and back: what is copied, and the ways to copy it."""

__all__ = ["ignore", "listing", "mirror", "remote", "rsync", "sftp"]
