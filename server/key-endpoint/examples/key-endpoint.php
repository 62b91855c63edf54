<?php
/*
 * A key endpoint for y-sealed in one file: PHP 8.1 or newer, no extension, no database.
 *
 *     KEYS_DATA=/var/lib/keys KEYS_USERS=users.json KEYS_ORIGINS=https://app.example \
 *         php -d display_errors=0 -d enable_post_data_reading=0 -S 127.0.0.1:8788 key-endpoint.php
 *
 * or behind a web server with the same two settings. It knows the whole contract: docs/write-your-own-endpoint.md. Put TLS in front, and
 * your own login into who_asks(). Each document is a file in KEYS_DATA. Whoever reads them can read the documents: keep them outside of what the web server
 * serves, on an encrypted disk, back them up, and treat the copy the same.
 */
declare(strict_types=1);

const MAX_BODY_BYTES = 16 * 1024; // the longest request of the contract has half of it
const MAX_DOCUMENT_ID_BYTES = 1024;
const MAX_HINT_UNITS = 256;
const RECORD_HASH = '/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/D'; // 32 bytes in base64url, in their one spelling

/** Everything that is not a key: a status and a word, and nothing about what there is. */
final class Refused extends Exception
{
    public function __construct(public readonly int $status, public readonly string $error)
    {
        parent::__construct($error);
    }
}

/** The question in a body, or 400: nothing is guessed, converted or cut. Bytes that are no UTF-8 and half characters are no JSON here. */
function parse(string $body): object
{
    $asked = json_decode($body);
    if (!$asked instanceof stdClass || !property_exists($asked, 'keyHint')) {
        throw new Refused(400, 'malformed');
    }
    if (array_diff(array_keys(get_object_vars($asked)), ['documentId', 'keyHint', 'after', 'record'])) {
        throw new Refused(400, 'malformed');
    }
    $document = $asked->documentId ?? null;
    $hint = $asked->keyHint;
    $after = $asked->after ?? null;
    $record = $asked->record ?? null;
    $isDocument = is_string($document) && $document !== '' && strlen($document) <= MAX_DOCUMENT_ID_BYTES;
    $isRecord = $record === null || (is_string($record) && preg_match(RECORD_HASH, $record) === 1);
    // '' is a hint; only null is not.
    if (!$isDocument || !is_hint($hint) || !is_hint($after) || !$isRecord) {
        throw new Refused(400, 'malformed');
    }
    if (($after !== null && $hint !== null) || ($record !== null && $hint === null)) {
        throw new Refused(400, 'malformed');
    }
    return (object) compact('document', 'hint', 'after', 'record');
}

function is_hint(mixed $hint): bool
{
    // In UTF-16 a character beyond the first 65,536 counts twice.
    return $hint === null || (is_string($hint)
        && preg_match_all('/./su', $hint) + preg_match_all('/[\x{10000}-\x{10ffff}]/u', $hint) <= MAX_HINT_UNITS);
}

/** Your login goes here. This one: a bearer token whose SHA-256 is in the file of users. */
function who_asks(): array
{
    $users = json_decode((string) file_get_contents((string) getenv('KEYS_USERS')), true, flags: JSON_THROW_ON_ERROR);
    $isBearer = preg_match('/^Bearer +(\S+)$/D', $_SERVER['HTTP_AUTHORIZATION'] ?? '', $token) === 1;
    return ($isBearer ? $users[hash('sha256', $token[1])] ?? null : null) ?? throw new Refused(401, 'unauthenticated');
}

/** Decided by your own records, and alike for documents that exist and that do not. */
function may_read(array $user, string $document): bool
{
    foreach ($user['documents'] as $name) {
        if ($name === $document || (str_ends_with($name, '*') && str_starts_with($document, substr($name, 0, -1)))) {
            return true;
        }
    }
    return false;
}

/** One question about one document, whose file nobody else reads or writes meanwhile: looking and making are one step. */
function answer(object $asked, bool $mayWrite): array
{
    is_dir((string) getenv('KEYS_DATA')) || throw new RuntimeException('KEYS_DATA');
    // The name is a hash: an id may be any text.
    $path = getenv('KEYS_DATA') . '/' . hash('sha256', $asked->document);
    $lock = fopen("$path.lock", 'c') ?: throw new RuntimeException('lock');
    flock($lock, LOCK_EX) || throw new RuntimeException('lock');
    // Oldest first; at most one is active, and a key that is null was lost with a backup.
    $keys = is_file("$path.json")
        ? json_decode((string) file_get_contents("$path.json"), true, flags: JSON_THROW_ON_ERROR)
        : [];
    $before = $keys;
    $found = choose($keys, $asked, $mayWrite);
    if ($keys !== $before) {
        write("$path.json", json_encode($keys, JSON_THROW_ON_ERROR));
    }
    return $found;
}

function choose(array &$keys, object $asked, bool $mayWrite): array
{
    $at = fn(?string $hint) => array_search($hint, array_column($keys, 'keyHint'), true);
    if ($asked->hint !== null) {
        $index = $at($asked->hint);
        if ($index === false || $keys[$index]['key'] === null) {
            throw new Refused(404, 'key-unknown');
        }
        if ($mayWrite) { // the first that a writer reports is kept
            $keys[$index]['record'] ??= $asked->record;
        }
        return $keys[$index];
    }
    $newest = end($keys);
    $left = $asked->after === null ? -1 : $at($asked->after);
    if ($newest && $newest['active'] && $left !== false && $left < count($keys) - 1) {
        return $newest;
    }
    if (!$mayWrite) {
        throw new Refused(403, 'refused');
    }
    foreach ($keys as &$old) {
        $old['active'] = false;
    }
    unset($old);
    if ($left === false) { // a hint of a key that a restored backup does not have: all who leave it find the next one
        $keys[] = entry($keys, $asked->after, null);
    }
    return $keys[] = entry($keys, base64url(random_bytes(16)), base64url(random_bytes(32)));
}

/** Numbers rise, also after a restore: the time in microseconds, or one more than the last. */
function entry(array $keys, string $keyHint, ?string $key): array
{
    $last = $keys ? end($keys)['epoch'] : 0;
    $epoch = max($last + 1, (int) (microtime(true) * 1_000_000));
    return ['key' => $key, 'keyHint' => $keyHint, 'epoch' => $epoch, 'active' => $key !== null, 'record' => null];
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

/** On disk before anybody is answered, and never seen half done. */
function write(string $path, string $text): void
{
    $file = fopen("$path.new", 'w') ?: throw new RuntimeException('write');
    $isWritten = fwrite($file, $text) === strlen($text) && fsync($file) && fclose($file) && rename("$path.new", $path);
    $isWritten || throw new RuntimeException('write');
}

function body(): string
{
    // JSON only: a form or text/plain would come from any page, without the browser asking first.
    $type = strtolower(trim(explode(';', $_SERVER['CONTENT_TYPE'] ?? '')[0]));
    if ($type !== 'application/json') {
        throw new Refused(415, 'json-only');
    }
    if ((int) ($_SERVER['CONTENT_LENGTH'] ?? 0) > MAX_BODY_BYTES) {
        throw new Refused(413, 'too-large');
    }
    return (string) file_get_contents('php://input', length: MAX_BODY_BYTES + 1);
}

function respond(bool $isAllowedOrigin): array
{
    if (!$isAllowedOrigin) { // before anything is read or made
        throw new Refused(403, 'origin-refused');
    }
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        throw new Refused(405, 'post-only');
    }
    $asked = parse(body());
    $user = who_asks();
    if (!may_read($user, $asked->document)) {
        throw new Refused(403, 'refused');
    }
    return answer($asked, $user['role'] === 'write');
}

umask(0077);
$origin = $_SERVER['HTTP_ORIGIN'] ?? null;
$isListed = in_array($origin, explode(',', (string) getenv('KEYS_ORIGINS')), true);
header_remove('X-Powered-By');
header('Cache-Control: no-store');
header('Vary: Origin');
header('Content-Type: application/json');
if ($isListed) {
    header("Access-Control-Allow-Origin: $origin");
    header('Access-Control-Allow-Headers: authorization, content-type');
    header('Access-Control-Allow-Methods: POST');
}
if ($_SERVER['REQUEST_METHOD'] === 'OPTIONS' && $isListed) {
    http_response_code(204);
    return;
}
try {
    // What has no Origin comes from no page.
    $said = respond($origin === null || $isListed);
} catch (Refused $refused) {
    http_response_code($refused->status);
    if ($refused->status === 401) {
        header('WWW-Authenticate: Bearer');
    }
    $said = ['error' => $refused->error];
} catch (Throwable $error) { // its text may quote what was asked
    error_log('a key request failed: ' . $error::class);
    http_response_code(500);
    $said = ['error' => 'internal'];
}
echo json_encode($said, JSON_THROW_ON_ERROR);
