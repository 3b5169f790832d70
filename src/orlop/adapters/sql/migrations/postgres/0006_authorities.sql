-- The previous release may go on running.
-- Accounts that it makes have no authority, which the first sign-in by this release fills in.

-- Which identity of the provider vouched for an account: its issuer, or where its people begin; '': not known.
ALTER TABLE accounts ADD COLUMN authority TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE accounts SET authority = coalesce(
    (SELECT coalesce(convert_from(d.body, 'UTF8')::jsonb ->> 'issuer', convert_from(d.body, 'UTF8')::jsonb ->> 'user_base')
     FROM documents d WHERE d.kind = 'provider' AND d.name = accounts.source),
    '')
WHERE external <> '';
DROP INDEX accounts_by_external;
CREATE UNIQUE INDEX accounts_by_external ON accounts (source, external, authority) WHERE external <> '';
