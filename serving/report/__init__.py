"""`rida report`: scored files as one page that a manager reads in two minutes."""
