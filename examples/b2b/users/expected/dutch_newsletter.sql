select user_id from users u join customers using (customer_id) where u.newsletter and language = 'nl';
