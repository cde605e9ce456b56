"""Tells other systems what Rida found: labels and priority of their own conversations, and news of angry ones."""
