"""What the commands of the table do: each finds its server, calls it, and shows the answer."""
