select user_id from users where active and strftime(birthday, '%m-%d') between '11-24' and '12-24';
