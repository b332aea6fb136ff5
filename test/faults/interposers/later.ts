/** Loaded before the server: its clock is some days ahead. */
const days = Number(new URL(import.meta.url).searchParams.get('days'));
const now = Date.now.bind(Date);
Date.now = () => now() + days * 86_400_000;
