BEGIN TRANSACTION;
CREATE TABLE active_orders (
	customer_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	order_id VARCHAR NOT NULL, 
	PRIMARY KEY (customer_id, position), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id)
);
INSERT INTO "active_orders" VALUES('C1',0,'Ord-1');
INSERT INTO "active_orders" VALUES('C1',1,'GONE');
INSERT INTO "active_orders" VALUES('C1',2,'O2');
CREATE TABLE customers (
	customer_id VARCHAR NOT NULL, 
	first_name VARCHAR NOT NULL, 
	last_name VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	email_key VARCHAR, 
	phone_number VARCHAR NOT NULL, 
	is_fraud_flag BOOLEAN NOT NULL, 
	PRIMARY KEY (customer_id), 
	CONSTRAINT customer_id_is_not_empty CHECK (customer_id <> '')
);
INSERT INTO "customers" VALUES('C1','Ann','','Ann.Lee@Example.com','ann.lee@example.com','',0);
INSERT INTO "customers" VALUES('C2','Bo','','bo@example.com','bo@example.com','',1);
INSERT INTO "customers" VALUES('C3','','','twin@example.com','twin@example.com','',0);
INSERT INTO "customers" VALUES('C4','','',' TWIN@example.com','twin@example.com','',0);
INSERT INTO "customers" VALUES('C5','','','',NULL,'',0);
CREATE TABLE items (
	item_id VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	category VARCHAR NOT NULL, 
	cost VARCHAR, 
	currency VARCHAR NOT NULL, 
	has_policy BOOLEAN NOT NULL, 
	return_eligible BOOLEAN, 
	return_window VARCHAR, 
	PRIMARY KEY (item_id), 
	CONSTRAINT item_id_is_not_empty CHECK (item_id <> ''), 
	CONSTRAINT no_policy_without_block CHECK (has_policy OR (return_eligible IS NULL AND return_window IS NULL))
);
INSERT INTO "items" VALUES('A','Thing A','things','1250','JPY',1,1,'30 days');
INSERT INTO "items" VALUES('B','No block','',NULL,'',0,NULL,NULL);
INSERT INTO "items" VALUES('D','','',NULL,'',1,NULL,'');
CREATE TABLE line_parcels (
	order_id VARCHAR NOT NULL, 
	line_no INTEGER NOT NULL, 
	parcel_no INTEGER NOT NULL, 
	package_id VARCHAR, 
	quantity INTEGER NOT NULL, 
	PRIMARY KEY (order_id, line_no, parcel_no), 
	FOREIGN KEY(order_id, line_no) REFERENCES order_lines (order_id, line_no), 
	CONSTRAINT quantity_is_a_count CHECK (quantity BETWEEN 1 AND 1000000000)
);
INSERT INTO "line_parcels" VALUES('Ord-1',1,1,'P1',1);
INSERT INTO "line_parcels" VALUES('Ord-1',2,1,'P1',2);
INSERT INTO "line_parcels" VALUES('Ord-1',3,1,'P2',1);
INSERT INTO "line_parcels" VALUES('Ord-1',3,2,NULL,1);
CREATE TABLE meta (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('kind','returnflow-shop');
INSERT INTO "meta" VALUES('version','1');
INSERT INTO "meta" VALUES('zone','Europe/Berlin');
INSERT INTO "meta" VALUES('loaded_on','2026-11-23');
CREATE TABLE order_lines (
	order_id VARCHAR NOT NULL, 
	line_no INTEGER NOT NULL, 
	item_id VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	quantity INTEGER NOT NULL, 
	unit_price VARCHAR, 
	currency VARCHAR NOT NULL, 
	returned INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (order_id, line_no), 
	CONSTRAINT quantity_is_a_count CHECK (quantity BETWEEN 1 AND 1000000000), 
	CONSTRAINT returned_is_a_count CHECK (returned BETWEEN 0 AND 1000000000), 
	CONSTRAINT no_unit_is_returned_twice CHECK (returned <= quantity), 
	FOREIGN KEY(order_id) REFERENCES orders (order_id)
);
INSERT INTO "order_lines" VALUES('Ord-1',1,'A','Thing A',1,'19.99','EUR',0);
INSERT INTO "order_lines" VALUES('Ord-1',2,'B','Thing B',2,'0.333','EUR',0);
INSERT INTO "order_lines" VALUES('Ord-1',3,'A','Thing A',2,'14.99','EUR',0);
INSERT INTO "order_lines" VALUES('O2',1,'A','Thing A',1,'10.00','EUR',1);
INSERT INTO "order_lines" VALUES('O2',2,'X','Thing X',3,'10.00','EUR',0);
INSERT INTO "order_lines" VALUES('O3',1,'A','Thing A',5,'10.00','EUR',3);
CREATE TABLE orders (
	order_id VARCHAR NOT NULL, 
	order_key VARCHAR NOT NULL, 
	customer_id VARCHAR NOT NULL, 
	order_date VARCHAR NOT NULL, 
	payment_status VARCHAR NOT NULL, 
	PRIMARY KEY (order_id), 
	CONSTRAINT order_key_is_not_empty CHECK (order_key <> ''), 
	UNIQUE (order_key), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id)
);
INSERT INTO "orders" VALUES('Ord-1','ord-1','C1','2026-11-01','SUCCESS');
INSERT INTO "orders" VALUES('O2','o2','C1','','');
INSERT INTO "orders" VALUES('O3','o3','C2','','');
CREATE TABLE packages (
	package_id VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	current_status VARCHAR NOT NULL, 
	estimated_delivery_date VARCHAR NOT NULL, 
	final_delivery_date VARCHAR NOT NULL, 
	PRIMARY KEY (package_id), 
	CONSTRAINT package_id_is_not_empty CHECK (package_id <> '')
);
INSERT INTO "packages" VALUES('P1','ORDER_DELIVERY','DELIVERED','2026-11-03','2026-11-04T10:00:00');
INSERT INTO "packages" VALUES('P2','ORDER_DELIVERY','IN_TRANSIT','','');
CREATE TABLE return_lines (
	return_id VARCHAR NOT NULL, 
	order_id VARCHAR NOT NULL, 
	line_no INTEGER NOT NULL, 
	quantity INTEGER NOT NULL, 
	PRIMARY KEY (return_id, order_id, line_no), 
	FOREIGN KEY(order_id, line_no) REFERENCES order_lines (order_id, line_no), 
	CONSTRAINT quantity_is_a_count CHECK (quantity BETWEEN 1 AND 1000000000), 
	FOREIGN KEY(return_id) REFERENCES returns (return_id)
);
INSERT INTO "return_lines" VALUES('R1','O3',1,2);
INSERT INTO "return_lines" VALUES('R2','O3',1,1);
INSERT INTO "return_lines" VALUES('R3','O3',1,5);
INSERT INTO "return_lines" VALUES('RET-FZN75THE','O2',1,1);
CREATE TABLE returns (
	return_id VARCHAR NOT NULL, 
	tracking_id VARCHAR NOT NULL, 
	idempotency_key VARCHAR NOT NULL, 
	order_id VARCHAR NOT NULL, 
	item_id VARCHAR NOT NULL, 
	quantity INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	note VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (return_id), 
	CONSTRAINT return_id_is_not_empty CHECK (return_id <> ''), 
	CONSTRAINT tracking_id_is_not_empty CHECK (tracking_id <> ''), 
	CONSTRAINT idempotency_key_is_not_empty CHECK (idempotency_key <> ''), 
	CONSTRAINT quantity_is_a_count CHECK (quantity BETWEEN 1 AND 1000000000), 
	CONSTRAINT reason_is_known CHECK (reason IN ('DAMAGED', 'DEFECTIVE', 'WRONG_ITEM', 'ORDERED_BY_MISTAKE', 'OTHER')), 
	CONSTRAINT status_is_known CHECK (status IN ('INITIATED', 'APPROVED', 'IN_TRANSIT', 'RECEIVED', 'REFUND_INITIATED', 'COMPLETED', 'REJECTED', 'CANCELLED')), 
	UNIQUE (tracking_id), 
	UNIQUE (idempotency_key), 
	FOREIGN KEY(order_id) REFERENCES orders (order_id)
);
INSERT INTO "returns" VALUES('R1','T1','loaded:R1','O3','A',2,'OTHER','','COMPLETED','2026-11-05');
INSERT INTO "returns" VALUES('R2','T2','loaded:R2','O3','A',1,'OTHER','','APPROVED','2026-11-06');
INSERT INTO "returns" VALUES('R3','T3','loaded:R3','O3','A',5,'OTHER','','REJECTED','2026-11-07');
INSERT INTO "returns" VALUES('RET-FZN75THE','RT-98SCK7-KDFNJQ','rf-1-1','O2','A',1,'OTHER','scratched','INITIATED','2026-11-27T23:43:04.236142+00:00');
CREATE TABLE transfers (
	reference VARCHAR NOT NULL, 
	idempotency_key VARCHAR NOT NULL, 
	customer_id VARCHAR, 
	summary VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	PRIMARY KEY (reference), 
	CONSTRAINT idempotency_key_is_not_empty CHECK (idempotency_key <> ''), 
	CONSTRAINT summary_is_not_empty CHECK (trim(summary) <> ''), 
	UNIQUE (idempotency_key), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id)
);
INSERT INTO "transfers" VALUES('HR-MJBH54','rf-1-2','C1','A parcel is missing.','2026-11-27T23:43:04.242716+00:00');
CREATE INDEX ix_customers_email_key ON customers (email_key);
CREATE INDEX ix_orders_customer_id ON orders (customer_id);
CREATE INDEX order_lines_by_item ON order_lines (order_id, item_id);
CREATE INDEX ix_returns_order_id ON returns (order_id);
COMMIT;
