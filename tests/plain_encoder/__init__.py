"""Method C's training restated from its papers, apart from the package.

Towers are given as they are, and are run; all else is written out: every loss entry by entry in
float64, targets, moving averages, clipping, rates and both optimisers. Nothing of ``sightglass`` is
imported, so that agreement means something.
"""
