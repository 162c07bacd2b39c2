"""A local cloud: what Legible runs on where there is no account. It never ships.

Real SDK clients talk to it with real signatures over loopback; ``localcloud.cloud.LocalCloud`` starts all of it.
"""
