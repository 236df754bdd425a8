"""The recipe: the steps that make a pipeline for a language without labels, from the inputs to the wheel. The projects
of `xner new` and `projects/masakhane` call them as `xner recipe STEP`.
"""
