"""Import of other codes' configurations: what was asked for, which axes are which, and the files joined into chains."""
