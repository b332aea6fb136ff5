-- Commands that make messages due say so themselves: with a trigger on a table, SQLite notes down what each statement
-- changes, to be able to undo that statement alone, which cost more than the change.
DROP TRIGGER messages_written;
DROP TRIGGER messages_hurried;
