"""The steps of a project that `xner new` makes: from its folders of inputs to a packaged student."""
