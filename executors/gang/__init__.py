"""A cluster of several nodes as one Slurm, installed and configured by us: jobs start on all or none."""

__all__ = ["bring_up", "slurm_setup"]
