"""What the commands of access control do, over Google's REST paths."""
