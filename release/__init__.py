"""``make release``: is this state of the repository one to publish, and do its files install and work?"""
