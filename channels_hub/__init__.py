"""Everything that talks to people, and to the systems that page them."""
