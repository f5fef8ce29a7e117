"""What the business is: tenants, plans, subscriptions, invoices, notices. No HTML, no routes."""
