"""Where a look says more than figures: lines of bars and words, made of values. Pure; one widget draws what they say."""
