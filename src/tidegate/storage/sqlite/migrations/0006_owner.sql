-- Who owns the store: each server that opens it takes the next number, and one whose number has passed stops.

CREATE TABLE owner (number INTEGER NOT NULL) STRICT;
INSERT INTO owner (number) VALUES (0);
