"""The commands for operating a server. They call the operator's API and nothing else."""
