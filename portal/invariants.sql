-- What holds for money at any moment, each as a query that finds what breaks it: none may find a row. Amounts are minor
-- units. What a draft says is not final, and what is void is nobody's; sums of Stripe's objects are mirrored in one
-- transaction each, so that these hold between any two of them.

-- ledger: what was billed is paid, open, or taken off, in each tenant's currencies
SELECT i.tenant_id, i.currency, sum(i.total_minor) AS billed, sum(i.amount_paid_minor + i.amount_remaining_minor) AS settled
FROM invoices i
LEFT JOIN (SELECT tenant_id, invoice_id, sum(lowered_minor) AS lowered FROM credit_notes WHERE status = 'issued'
    GROUP BY 1, 2) n ON n.tenant_id = i.tenant_id AND n.invoice_id = i.id
WHERE i.status IN ('open', 'paid', 'uncollectible')
GROUP BY 1, 2
HAVING sum(i.total_minor) - sum(coalesce(n.lowered, 0)) - sum(coalesce(i.ending_balance_minor, 0) - i.starting_balance_minor)
    <> sum(i.amount_paid_minor + i.amount_remaining_minor);

-- totals: the lines, less discounts, with the tax that is added, are the total
SELECT i.tenant_id, i.id, i.total_minor FROM invoices i
LEFT JOIN LATERAL (SELECT coalesce(sum(l.amount_minor), 0) AS gross, coalesce(sum(l.discount_minor), 0) AS discounts
    FROM invoice_lines l WHERE l.tenant_id = i.tenant_id AND l.invoice_id = i.id) AS l ON true
LEFT JOIN LATERAL (SELECT coalesce(sum((tax->>'amount_minor')::bigint), 0) AS added
    FROM jsonb_array_elements(i.taxes) AS tax WHERE NOT (tax->>'is_inclusive')::boolean) AS t ON true
WHERE i.status IN ('open', 'paid', 'uncollectible')
    AND (l.gross <> i.subtotal_minor OR i.subtotal_minor - i.discount_minor + t.added <> i.total_minor);

-- settlement: of each invoice what was paid, credited before, taken from the balance, and is open, is the total
SELECT i.tenant_id, i.id, i.total_minor, i.amount_paid_minor, i.amount_remaining_minor FROM invoices i
LEFT JOIN (SELECT tenant_id, invoice_id, sum(lowered_minor) AS lowered FROM credit_notes WHERE status = 'issued'
    GROUP BY 1, 2) n ON n.tenant_id = i.tenant_id AND n.invoice_id = i.id
WHERE i.status IN ('open', 'paid', 'uncollectible')
    AND (i.amount_paid_minor + i.amount_remaining_minor + coalesce(n.lowered, 0)
            + coalesce(i.ending_balance_minor, 0) - i.starting_balance_minor <> i.total_minor
        OR i.amount_remaining_minor < 0 OR (i.status = 'paid' AND i.amount_remaining_minor <> 0));

-- refunds: nothing goes back that was not paid, and what a payment shows is what its refunds add up to
SELECT p.tenant_id, p.id, p.amount_minor, p.refunded_minor, r.standing FROM payments p
LEFT JOIN LATERAL (SELECT coalesce(sum(amount_minor), 0) AS standing FROM refunds r
    WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id
        AND r.status IN ('pending', 'requires_action', 'succeeded')) AS r ON true
WHERE p.refunded_minor NOT BETWEEN 0 AND p.amount_minor OR p.refunded_minor <> r.standing;

-- once: a subscription's period is billed by one invoice of a kind
SELECT tenant_id, stripe_subscription_id, billing_reason, period_start, count(*) FROM invoices
WHERE status <> 'void' AND billing_reason IN ('subscription_create', 'subscription_cycle')
    AND stripe_subscription_id IS NOT NULL
GROUP BY 1, 2, 3, 4 HAVING count(*) > 1;

-- overlap: no two usage periods of a tenant hold the same moment
SELECT a.tenant_id, a.id, b.id AS other FROM usage_periods a
JOIN usage_periods b ON b.tenant_id = a.tenant_id AND b.id > a.id
    AND b.starts_at < a.ends_at AND b.ends_at > a.starts_at;

-- gap: no usage lies outside of the period that it is billed with (a time without usage needs no period)
SELECT r.tenant_id, r.period_id, r.resource_type, r.bucket_at FROM usage_rollups r
JOIN usage_periods p ON p.tenant_id = r.tenant_id AND p.id = r.period_id
WHERE r.bucket_at < p.starts_at OR r.bucket_at >= p.ends_at;

-- charged once: charges of a period and resource follow one another, each from where the last one ended
SELECT * FROM (
    SELECT tenant_id, id, before_minor, number,
        lag(before_minor + amount_minor) OVER (PARTITION BY tenant_id, period_id, resource_type ORDER BY number) AS former,
        row_number() OVER (PARTITION BY tenant_id, period_id, resource_type ORDER BY number) AS place
    FROM usage_charges
) AS charges
WHERE number <> place OR before_minor <> coalesce(former, 0);

-- numbers: unique, and rising in each prefix as invoices were issued
SELECT * FROM (
    SELECT tenant_id, number, issued_at,
        lag(number) OVER (PARTITION BY tenant_id, prefix ORDER BY counter) AS former,
        lag(issued_at) OVER (PARTITION BY tenant_id, prefix ORDER BY counter) AS formerly,
        lag(counter) OVER (PARTITION BY tenant_id, prefix ORDER BY counter) AS former_counter, counter
    FROM (
        SELECT tenant_id, number, issued_at, substring(number FROM '^(.*?)[0-9]+$') AS prefix,
            substring(number FROM '([0-9]{1,18})$')::bigint AS counter
        FROM invoices WHERE number IS NOT NULL AND issued_at IS NOT NULL
    ) AS numbered
) AS ordered
WHERE counter = former_counter OR formerly > issued_at;

-- documents: what was issued has the bytes that it was issued with
SELECT tenant_id, id FROM invoice_documents WHERE sha256 <> sha256(content);

-- parts: what a usage charge is made of adds up to it, and it was billed if it costs anything
SELECT tenant_id, id, amount_minor FROM usage_charges
WHERE (is_waived AND stripe_invoice_item_id IS NOT NULL) OR (billed_at IS NOT NULL AND stripe_invoice_item_id IS NULL);

-- caps: no coupon is used more often than it may be
SELECT c.id, c.max_redemptions, count(*) FROM coupons c JOIN coupon_redemptions r ON r.coupon_id = c.id
WHERE r.state IN ('reserved', 'redeemed') GROUP BY 1, 2 HAVING count(*) > c.max_redemptions;

-- credit: no credit note takes more than there was, and each is the sum of where it goes
SELECT n.tenant_id, n.id, n.total_minor FROM credit_notes n
JOIN invoices i ON i.tenant_id = n.tenant_id AND i.id = n.invoice_id
WHERE n.status = 'issued' AND (n.total_minor > i.total_minor OR i.credited_minor > i.total_minor
    OR n.lowered_minor + n.refunded_minor + n.balance_minor + n.out_of_band_minor <> n.total_minor);

-- mirror: nothing is known to differ from Stripe
SELECT tenant_id, kind, object_id FROM drift_findings WHERE kind = 'drift' AND resolved_at IS NULL;
