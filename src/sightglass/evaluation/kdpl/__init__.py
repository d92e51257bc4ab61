"""The evaluation of KDPL (Mistretta et al. 2024): three protocols over ImageNet and ten more."""
