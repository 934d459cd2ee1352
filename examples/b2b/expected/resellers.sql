select customer_id from customers where partner_type = 'wholesaler' or partner_type = 'retailer';
