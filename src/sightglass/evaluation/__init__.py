"""Wing 2: labelled pictures in, numbers out. Runs the same pipeline; never tunes it."""
