select customer_id from customers
where (list_contains(labels, 'fair 2026') or list_contains(labels, 'sample sent')) and not list_contains(labels, 'no calls');
