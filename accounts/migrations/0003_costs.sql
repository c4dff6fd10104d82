-- The costs of password hashes ("m=…,t=…,p=…") that differ from the standard ones: what is left of a hash without its key and
-- its salt. Each failed sign-in asks for the distinct ones.
CREATE INDEX users_costs ON users (
    (substr(rtrim(rtrim(rtrim(rtrim(password, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'), '$'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'), '$'), 16))
) WHERE substr(password, 1, 31) <> '$argon2id$v=19$m=19456,t=2,p=1$';
