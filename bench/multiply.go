package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// To make a million accounts in a minute or two, the bench imports one, the pattern, and has Postgres copy its rows. In
// each copy, all texts have other names and numbers in place of those of the pattern. So the bench needn't know how the
// server makes keys and words, only that they contain the same text as the names, and what the tables are called.
const (
	patternFirst  = "qfirst"
	patternLast   = "qlast"
	patternNumber = "0000000"
	patternTeam   = "team 00000"

	firstNames = 1_000
	lastNames  = 20_000
	copyAtOnce = 50_000 // accounts in one statement
	withStatus = 50     // one in so many people has set a status
)

// pattern returns the account that multiply copies.
func pattern() *person {
	return &person{
		name:    patternFirst + "." + patternLast + "." + patternNumber,
		display: title(patternFirst) + " " + title(patternLast),
		team:    title(patternTeam),
	}
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// nameAt returns one of many different names with some syllables, such as "lobe".
func nameAt(i, syllables int) string {
	const consonants, vowels = "bdfghjklmnprst", "aeiou"
	const each = len(consonants) * len(vowels)
	possible := 1
	for range syllables {
		possible *= each
	}
	name := make([]byte, 0, 2*syllables)
	for rest := i * 7919 % possible; len(name) < 2*syllables; rest /= each { // so that neighbors don't begin alike
		name = append(name, consonants[rest%each/len(vowels)], vowels[rest%len(vowels)])
	}
	return string(name)
}

// copyID returns the ID of copy n. sqlCopies makes the same.
func copyID(n int) string {
	sum := md5.Sum([]byte(strconv.Itoa(n)))
	digits := hex.EncodeToString(sum[:])
	return "01900000-0000-7" + digits[:3] + "-8" + digits[3:6] + "-" + digits[6:18]
}

// sqlCopies lists the copies from from_n to to_n. Few names are common, and most are rare.
const sqlCopies = `SELECT n, lpad(n::text, 7, '0') AS number, 'team ' || lpad((n / %d)::text, 5, '0') AS team,
	'01900000-0000-7' || substr(h, 1, 3) || '-8' || substr(h, 4, 3) || '-' || substr(h, 7, 12) AS id,
	f.name AS first, l.name AS last
	FROM (SELECT n, md5(n::text) AS h, ('x' || substr(md5('f' || n), 1, 6))::bit(24)::int / 16777216.0 AS a,
		('x' || substr(md5('l' || n), 1, 6))::bit(24)::int / 16777216.0 AS b FROM generate_series(from_n, to_n) n) r
	JOIN bench_first f ON f.i = 1 + floor(%d * a * a)::int JOIN bench_last l ON l.i = 1 + floor(%d * b * b * b)::int`

// sqlCopyText is a text of the pattern p as it is in copy c. u is the pattern's row in users.
const sqlCopyText = `replace(replace(replace(replace(replace(replace(replace(replace(p.%%I, '%s', c.number),
	'%s', initcap(c.team)), '%s', c.team), '%s', initcap(c.first)), '%s', c.first), '%s', initcap(c.last)), '%s', c.last),
	u.id, c.id)`

// sqlCopy makes the procedure that copies the pattern.
const sqlCopy = `CREATE PROCEDURE bench_copy(from_n int, to_n int) LANGUAGE plpgsql AS $body$
	DECLARE
		into_table text;
		cols text;
		copied text;
		pattern jsonb := (SELECT to_jsonb(u) FROM users u WHERE username_key = '%[1]s');
	BEGIN
		CREATE TEMP TABLE copies ON COMMIT DROP AS %[2]s;
		FOREACH into_table IN ARRAY ARRAY['users', 'search_words'] LOOP
			SELECT string_agg(quote_ident(column_name), ', '), string_agg(
					CASE WHEN data_type = 'text' AND (column_name = 'id' OR pattern ->> column_name ~* '%[3]s' OR into_table <> 'users')
						THEN format($text$%[4]s$text$, column_name) ELSE format('p.%%I', column_name) END, ', ')
				INTO cols, copied FROM information_schema.columns
				WHERE table_schema = current_schema AND table_name = into_table;
			EXECUTE format('INSERT INTO %%1$I (%%2$s) SELECT %%3$s FROM users u JOIN %%1$I p ON p.sort_key = u.sort_key
				CROSS JOIN copies c WHERE u.username_key = %%4$L', into_table, cols, copied, '%[1]s');
		END LOOP;
		UPDATE users SET status_text = 'On leave', status_set_at = created_at FROM copies c
			WHERE users.id = c.id AND c.n %% %[5]d = 0;
	END $body$`

// sqlDropIndexes drops the indexes that don't ensure anything, and remembers them, because it's much faster to make
// them afterward. sqlMakeIndex makes one of them again, in each call.
const (
	sqlDropIndexes = `CREATE TABLE bench_indexes AS SELECT indexname AS name, indexdef AS text FROM pg_indexes
			WHERE schemaname = current_schema AND tablename IN ('users', 'search_words')
				AND indexname NOT IN (SELECT conname FROM pg_constraint) AND indexdef NOT LIKE 'CREATE UNIQUE%';
		DO $do$ DECLARE i record; BEGIN
			FOR i IN SELECT name FROM bench_indexes LOOP EXECUTE format('DROP INDEX %I', i.name); END LOOP;
		END $do$`
	sqlMakeIndex = `DO $do$ DECLARE i record; BEGIN
			FOR i IN DELETE FROM bench_indexes WHERE name = (SELECT min(name) FROM bench_indexes) RETURNING text LOOP
				EXECUTE i.text;
			END LOOP;
		END $do$`
	maxIndexes = 40
)

// sqlNames makes a table of n names.
func sqlNames(table string, n, syllables int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = nameAt(i, syllables)
	}
	return fmt.Sprintf(`CREATE TABLE %s AS SELECT i::int, name FROM unnest('{%s}'::text[]) WITH ORDINALITY t (name, i)`,
		table, strings.Join(names, ","))
}

// multiply adds copies to the database of our own server, until it has n of them. How long that takes is a figure of
// scenario.
func multiply(ctx context.Context, b *bench, n int, scenario string) error {
	b.tell("adding %d accounts", n-b.copies)
	began, one := time.Now(), pattern()
	if b.copies == 0 {
		if err := b.own[0].add(ctx, []*person{one}, sharedHash(passwordOf("all"))); err != nil {
			return err
		}
	}
	list := fmt.Sprintf(sqlCopies, teamSize, firstNames, lastNames)
	markers := strings.Join([]string{patternFirst, patternLast, patternNumber, patternTeam}, "|")
	text := fmt.Sprintf(sqlCopyText, patternNumber, title(patternTeam), patternTeam, title(patternFirst), patternFirst,
		title(patternLast), patternLast)
	err := b.pg.run(ctx, sqlNames("bench_first", firstNames, 2), sqlNames("bench_last", lastNames, 3),
		fmt.Sprintf(sqlCopy, one.name, list, markers, text, withStatus), sqlDropIndexes)
	for ; err == nil && b.copies < n; b.copies = min(b.copies+copyAtOnce, n) {
		err = b.pg.run(ctx, fmt.Sprintf(`CALL bench_copy(%d, %d)`, b.copies+1, min(b.copies+copyAtOnce, n)))
	}
	if err != nil {
		return err
	}
	if err := b.pg.run(ctx, slices.Repeat([]string{sqlMakeIndex}, maxIndexes)...); err != nil {
		return err
	}
	if err := b.pg.run(ctx, `DROP PROCEDURE bench_copy`, `DROP TABLE bench_first, bench_last, bench_indexes`,
		`VACUUM ANALYZE users`, `VACUUM ANALYZE search_words`); err != nil { // as autovacuum would a minute later
		return err
	}
	b.report.add(scenario, "adding the accounts", time.Since(began).Seconds(), "s", "")
	return b.restart(ctx)
}
