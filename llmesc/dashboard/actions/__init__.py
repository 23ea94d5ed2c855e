"""What the commands do, one subject a file. The main screen is their desk: the situation, the feed, questions, notices."""
