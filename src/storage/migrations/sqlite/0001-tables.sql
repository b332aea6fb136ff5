-- Times and durations are integers in milliseconds (since 1970 for times), ids are lower-case UUIDs, booleans 0 or 1.
-- Days (UTC, since 1970-01-01) are those of the UUID v7 beside them: what a database with partitions divides by.

CREATE TABLE instances (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  secret_key BLOB NOT NULL,
  previous_secret_key BLOB, -- works beside secret_key until previous_secret_key_ends_at
  previous_secret_key_ends_at INTEGER,
  vapid_public_key BLOB NOT NULL,
  vapid_private_key BLOB NOT NULL,
  allowed_origins TEXT -- JSON array of strings; null: any
) STRICT;

-- What Google and Apple gave the instance for its apps.
CREATE TABLE gateway_credentials (
  instance_id TEXT NOT NULL,
  platform TEXT NOT NULL, -- 'fcm', 'apns'
  credentials BLOB NOT NULL,
  fingerprint TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  expires_at INTEGER,
  announced_expiry INTEGER, -- what `expires_at` was when webhooks were told of it
  PRIMARY KEY (instance_id, platform)
) STRICT;
CREATE INDEX gateway_credentials_by_expiry ON gateway_credentials (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE webhooks (
  instance_id TEXT NOT NULL,
  id TEXT NOT NULL,
  url BLOB NOT NULL,
  format TEXT NOT NULL, -- 'beams', 'classic', 'standard'
  options TEXT NOT NULL, -- JSON object
  secret BLOB NOT NULL,
  previous_secret BLOB,
  previous_secret_ends_at INTEGER,
  signing_key BLOB, -- Ed25519
  headers BLOB, -- custom headers
  custom_data TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  disabled_at INTEGER,
  disabled_reason TEXT, -- 'gone-410', 'failing'; null: an operator did it
  PRIMARY KEY (instance_id, id)
) STRICT;

-- What attempts say about webhooks. No row: none was made yet.
CREATE TABLE webhook_health (
  instance_id TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  last_success_at INTEGER, -- exact to a second
  failing_since INTEGER, -- null: the last attempt was a success, or the webhook was changed since
  failures INTEGER NOT NULL, -- since then
  PRIMARY KEY (instance_id, webhook_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_subscriptions (
  instance_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  rules TEXT, -- JSON of the webhook's filter and batch; null: none
  PRIMARY KEY (instance_id, event_type, webhook_id)
) STRICT, WITHOUT ROWID;

-- The only place of a user's name: null once the user was erased. AUTOINCREMENT: a number never names a second user.
CREATE TABLE users (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id TEXT NOT NULL,
  name TEXT,
  last_used_day INTEGER NOT NULL -- nothing refers to the user since, unless the user has a device
) STRICT;
CREATE UNIQUE INDEX users_by_name ON users (instance_id, name) WHERE name IS NOT NULL;
CREATE INDEX users_by_last_use ON users (instance_id, last_used_day);

-- A device that is gone stays as a tombstone, so that late reports still count.
CREATE TABLE devices (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id TEXT NOT NULL,
  platform TEXT NOT NULL,
  id TEXT NOT NULL,
  address TEXT NOT NULL,
  address_hash INTEGER NOT NULL, -- 48 bits of instance, platform and address; see devices_by_address
  keys BLOB NOT NULL,
  user_number INTEGER,
  user_since INTEGER,
  alias_number INTEGER, -- of a name in users that the device claims: nobody has proved it, so it is no user_number
  muted_at INTEGER, -- the visitor wants no pushes
  metadata TEXT NOT NULL,
  bundle_identifier TEXT, -- of the app on the phone; APNs wants it beside the token
  created_at INTEGER NOT NULL,
  registered_at INTEGER NOT NULL, -- last registration
  gone_at INTEGER,
  gone_reason TEXT -- 'removed', 'replaced', 'user-erased', 'gateway'
) STRICT;
-- Ids are chance enough to be unique. With what a report asks about its device, so that it reads one page and not two.
CREATE INDEX devices_by_id ON devices
  (unhex(id, '-'), unhex(instance_id, '-'), platform, created_at, user_number, user_since, substr(address, 1, 48));
-- Addresses come in no order, so every new device changes another page of this index: it is kept so narrow that its pages
-- stay in the cache. Whoever finds a row by it compares instance, platform and address.
CREATE INDEX devices_by_address ON devices (address_hash) WHERE gone_at IS NULL;
-- Who was at an address before: a report that comes through a new registration counts for the one that got the push.
CREATE INDEX devices_gone_by_address ON devices (address_hash, number) WHERE gone_at IS NOT NULL;
CREATE INDEX devices_by_user ON devices (instance_id, user_number, number)
  WHERE user_number IS NOT NULL AND gone_at IS NULL;
-- What publishes to everybody and by tags walk along.
CREATE INDEX devices_reachable ON devices (instance_id, number) WHERE gone_at IS NULL AND muted_at IS NULL;
CREATE INDEX devices_by_alias ON devices (instance_id, alias_number, number) WHERE alias_number IS NOT NULL;
CREATE INDEX tombstones_by_age ON devices (instance_id, gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX tombstones_by_user ON devices (instance_id, user_number) WHERE user_number IS NOT NULL AND gone_at IS NOT NULL;

-- Living devices, counted as they come and go: the cap on them costs no scan.
CREATE TABLE device_counts (
  instance_id TEXT NOT NULL PRIMARY KEY,
  living INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device_interests (
  instance_id TEXT NOT NULL,
  interest TEXT NOT NULL,
  device_number INTEGER NOT NULL,
  PRIMARY KEY (instance_id, interest, device_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_interests_by_device ON device_interests (instance_id, device_number, interest);

CREATE TABLE device_tags (
  instance_id TEXT NOT NULL,
  device_number INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (instance_id, device_number, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_tags_by_value ON device_tags (instance_id, key, value, device_number);
CREATE INDEX device_tags_by_key ON device_tags (instance_id, key, device_number);

CREATE TABLE publishes (
  instance_id TEXT NOT NULL,
  id TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  target_kind TEXT NOT NULL, -- 'interests', 'users', 'devices', 'everyone', 'tags'
  audience TEXT NOT NULL, -- JSON of what an audience is read by: `Audience`
  platforms TEXT NOT NULL, -- JSON array of strings
  body BLOB NOT NULL,
  url_target TEXT, -- target of its messages; null: it has no webhookUrl
  send_after INTEGER, -- not sent before; null: at once
  canceled_at INTEGER,
  finished_at INTEGER,
  PRIMARY KEY (instance_id, id)
) STRICT;

-- Final outcomes of deliveries; also 'confirmed' and 'clicked': devices that reported so, each counted once.
CREATE TABLE publish_outcomes (
  instance_id TEXT NOT NULL,
  publish_id TEXT NOT NULL,
  platform TEXT NOT NULL,
  family TEXT NOT NULL, -- of a browser, by its push service; '' on phones
  outcome TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (instance_id, publish_id, platform, family, outcome)
) STRICT, WITHOUT ROWID;

-- What a key of a request has led to; the same request again gets the same answer.
CREATE TABLE idempotency_keys (
  instance_id TEXT NOT NULL,
  key TEXT NOT NULL,
  answer TEXT NOT NULL, -- JSON of `AcceptAnswer`
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (instance_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

-- Users of a publish to users. The state only ever grows: 0 no devices, 1 failed, 2 delivered.
CREATE TABLE publish_users (
  instance_id TEXT NOT NULL,
  publish_id TEXT NOT NULL,
  user_number INTEGER NOT NULL,
  position INTEGER NOT NULL, -- in the request
  state INTEGER NOT NULL,
  PRIMARY KEY (instance_id, publish_id, user_number)
) STRICT, WITHOUT ROWID;

-- What is left to fan out; a finished range has no row. due_at is also when a claim's lease ends.
CREATE TABLE ranges (
  instance_id TEXT NOT NULL,
  publish_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  cursor_user INTEGER NOT NULL,
  cursor_device INTEGER NOT NULL,
  end_user INTEGER NOT NULL,
  end_device INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  pages INTEGER NOT NULL, -- recorded so far; of two ranges due in the same millisecond the one with fewer goes first
  claim_token TEXT,
  PRIMARY KEY (instance_id, publish_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX ranges_by_due ON ranges (due_at);
-- Instances take turns: the next instance, then its range that waits longest, are one step each.
CREATE INDEX ranges_by_instance ON ranges (instance_id, due_at, pages);

CREATE TABLE deferred_deliveries (
  instance_id TEXT NOT NULL,
  publish_id TEXT NOT NULL,
  device_number INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  first_attempt_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  claim_token TEXT,
  PRIMARY KEY (instance_id, publish_id, device_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX deferred_deliveries_by_due ON deferred_deliveries (due_at);

-- Push services whose word that a device is gone is not taken as usual.
CREATE TABLE push_origins (
  origin TEXT NOT NULL PRIMARY KEY, -- 'https://host', 'fcm', 'apns'
  state TEXT NOT NULL, -- 'braked', 'released'
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- action: of a click, the id of the button or '' for the body; '' for all other kinds.
CREATE TABLE reports (
  instance_id TEXT NOT NULL,
  day INTEGER NOT NULL,
  publish_id TEXT NOT NULL,
  device_number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  action TEXT NOT NULL,
  user_number INTEGER,
  happened_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  app_in_background INTEGER,
  has_displayable_content INTEGER,
  has_data INTEGER,
  event_id TEXT, -- set when the report is an event for webhooks
  feed_position INTEGER, -- of that event, when the instance has a feed
  PRIMARY KEY (instance_id, day, publish_id, device_number, kind, action)
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_by_feed ON reports (instance_id, feed_position) WHERE feed_position IS NOT NULL;

-- Reports that were answered and not stored, by the day they came.
CREATE TABLE ignored_reports (
  instance_id TEXT NOT NULL,
  day INTEGER NOT NULL,
  reason TEXT NOT NULL, -- 'unknown-device', 'unknown-publish'
  count INTEGER NOT NULL,
  PRIMARY KEY (instance_id, day, reason)
) STRICT, WITHOUT ROWID;

-- Events that no report carries.
CREATE TABLE events (
  instance_id TEXT NOT NULL,
  day INTEGER NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  happened_at INTEGER NOT NULL,
  publish_id TEXT, -- null: it is about none
  details TEXT, -- JSON; of 'v1.WebhookDisabled' and 'v1.CredentialsExpiring'
  feed_position INTEGER, -- when the instance has a feed
  PRIMARY KEY (instance_id, day, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_feed ON events (instance_id, feed_position) WHERE feed_position IS NOT NULL;

-- Instances whose events can be read in the order of their commits. Positions are microseconds since 1970, or one more
-- than the last.
CREATE TABLE feeds (
  instance_id TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL, -- of the newest event
  complete_after INTEGER NOT NULL, -- events after this position are all there
  is_on INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  instance_id TEXT NOT NULL,
  day INTEGER NOT NULL,
  id TEXT NOT NULL,
  target TEXT NOT NULL, -- id of a webhook; 'url:…': webhookUrls of publishes that have one origin
  event_type TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event_at INTEGER NOT NULL,
  publish_id TEXT, -- null: it is about none
  user_number INTEGER,
  device_number INTEGER,
  action TEXT, -- of a click
  details TEXT, -- those of the event
  state TEXT NOT NULL, -- 'waiting', 'held', 'delivered', 'exhausted', 'dropped'
  drop_reason TEXT, -- of a message that was dropped: 'user-erased', 'webhook-deleted'
  attempts INTEGER NOT NULL,
  earlier_attempts INTEGER NOT NULL DEFAULT 0, -- of them, those before it was sent again: they count for no schedule
  due_at INTEGER, -- also when a claim's lease ends; null when there is nothing to send (yet)
  claim_token TEXT,
  batch_id TEXT, -- UUID v7 of the same day: the request that it is in with others, and what its attempts are filed under
  left_batches TEXT, -- those that it was in before, with its last attempt in each: 'id:number', separated by blanks
  PRIMARY KEY (instance_id, day, id)
) STRICT;
-- By target alone: each attempt changes this twice. What is due of all is found over message_turns, which has every target.
CREATE INDEX messages_by_target_due ON messages (instance_id, target, due_at)
  WHERE due_at IS NOT NULL;
CREATE INDEX messages_about_user ON messages (instance_id, user_number, id) WHERE user_number IS NOT NULL;
CREATE INDEX messages_by_target ON messages (instance_id, target, id);
-- What replays send again; few, as long as receivers are well.
CREATE INDEX messages_failed ON messages (instance_id, id) WHERE state IN ('exhausted', 'held');
CREATE INDEX messages_failed_by_target ON messages (instance_id, target, id) WHERE state IN ('exhausted', 'held');
CREATE INDEX messages_by_event ON messages (instance_id, event_id);
CREATE INDEX messages_by_publish ON messages (instance_id, publish_id, id);
-- STARTED and FINISHED of a publish, found without walking through its users' messages.
CREATE INDEX messages_of_publish ON messages (instance_id, publish_id)
  WHERE event_type IN ('publish.started', 'publish.finished');

-- Targets that something waits for, each with the time of its next turn: what claims look at, so that they cost nothing
-- for those whose turn has not come. Triggers keep it, since many commands make messages due.
CREATE TABLE message_turns (
  instance_id TEXT NOT NULL,
  target TEXT NOT NULL,
  turn_at INTEGER NOT NULL,
  resting INTEGER NOT NULL, -- by whoever sends: what falls due does not bring its turn forward
  PRIMARY KEY (instance_id, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_turns_by_time ON message_turns (turn_at);
CREATE TRIGGER messages_written AFTER INSERT ON messages WHEN NEW.due_at IS NOT NULL
BEGIN
  INSERT INTO message_turns (instance_id, target, turn_at, resting)
  VALUES (NEW.instance_id, NEW.target, NEW.due_at, 0)
  ON CONFLICT (instance_id, target) DO UPDATE SET turn_at = excluded.turn_at
  WHERE excluded.turn_at < turn_at AND resting = 0;
END;
CREATE TRIGGER messages_hurried AFTER UPDATE OF due_at ON messages
WHEN NEW.due_at IS NOT NULL AND (OLD.due_at IS NULL OR NEW.due_at < OLD.due_at)
BEGIN
  INSERT INTO message_turns (instance_id, target, turn_at, resting)
  VALUES (NEW.instance_id, NEW.target, NEW.due_at, 0)
  ON CONFLICT (instance_id, target) DO UPDATE SET turn_at = excluded.turn_at
  WHERE excluded.turn_at < turn_at AND resting = 0;
END;

CREATE TABLE attempts (
  instance_id TEXT NOT NULL,
  day INTEGER NOT NULL, -- of the message
  message_id TEXT NOT NULL, -- or that of its batch
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status INTEGER,
  error TEXT,
  address TEXT,
  response_headers TEXT, -- JSON object of texts
  response_body TEXT,
  request_hash BLOB,
  PRIMARY KEY (instance_id, day, message_id, number)
) STRICT, WITHOUT ROWID;

-- Messages of a target that are sent again, step by step.
CREATE TABLE replays (
  instance_id TEXT NOT NULL,
  id TEXT NOT NULL, -- UUID v7: messages before it are meant
  target TEXT NOT NULL,
  states TEXT NOT NULL, -- JSON array of strings
  event_type TEXT, -- null: all
  since INTEGER, -- written or last attempted; null: all
  max_per_second REAL,
  created_at INTEGER NOT NULL,
  cursor TEXT NOT NULL, -- last message that was counted or, once there is a total, looked at; '' at the beginning
  counted INTEGER NOT NULL,
  total INTEGER,
  resent INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  due_at INTEGER, -- next step; null when it has ended
  ended_at INTEGER,
  canceled INTEGER NOT NULL,
  PRIMARY KEY (instance_id, id)
) STRICT;
CREATE INDEX replays_by_due ON replays (due_at) WHERE due_at IS NOT NULL;

-- One row, changed to find out whether writing works: SQLite writes nothing when an update changes nothing.
CREATE TABLE write_check (
  number INTEGER PRIMARY KEY CHECK (number = 1),
  checks INTEGER NOT NULL
) STRICT;
