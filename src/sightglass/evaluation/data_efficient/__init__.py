"""The evaluation of Cheng et al. 2021: flat hit at k over ten thousand classes and more."""
