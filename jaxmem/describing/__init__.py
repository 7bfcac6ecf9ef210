"""How a study says what it is (ground): its settings, its variables and the panels that draw them."""
