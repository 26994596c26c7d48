"""Ways to reach a node."""

__all__ = ["address", "asyncssh_transport", "host_keys", "local", "openssh", "ssh"]
