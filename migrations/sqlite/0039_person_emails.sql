-- People by their e-mail addresses, upper or lower case.
CREATE INDEX persons_by_email ON persons (lower(email), id);
