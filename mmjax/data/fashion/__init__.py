"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747; MIT): 70,000 small pictures of clothes."""
