"""`orlop import`: plans of imports, made and done."""
