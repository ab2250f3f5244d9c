"""Reference pages that nobody writes: they are made from the rows and tables that the program itself runs on."""
