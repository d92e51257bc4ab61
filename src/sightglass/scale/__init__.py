"""Many machines: the pipeline on Ray Data, with the answers of one machine."""
