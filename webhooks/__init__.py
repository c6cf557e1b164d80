"""The GitHub App's door: takes webhook deliveries and hands them to reviewbot, which never imports it."""
