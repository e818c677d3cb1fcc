# Starts processes and carries what they write, and does nothing else, so that it stays small: starter-protocol.ts tells
# what it is told and what it says. It ends when its input does, and what it has started goes on.
use strict;
use XSLoader ();

# What is compiled of these modules, without the text around it: that takes half of the start, and memory that each fork
# has to copy.
for my $module ('POSIX', 'Time::HiRes') {
  eval { XSLoader::load($module); 1 } or eval "require $module; 1" or die $@;
}

# Clocks of the day may be set back.
my $monotonic = $^O eq 'darwin' ? 6 : 1;
sub now { Time::HiRes::clock_gettime($monotonic) }

# So many bytes of a stream may be said before some of them were taken.
my $most_ahead = 1 << 18;
# So long the pipes must be silent after the end of a process while a child holds them, seconds.
my $silence = 0.05;
# More than a pipe holds, and longer than it takes to read it, seconds: what comes after was not written by the process that has ended.
my $most_after = 4 << 20;
my $longest_after = 2;

# So long it waits for more to say, seconds: a short process is told of in one piece, since each costs the listener most.
my $gathering = 0.001;
my $most_gathered = 16384;

my ($input, $said, $said_since, $urgent) = ('', '');
my (%jobs, %by_pid, %streams, %ended);
pipe(my $woken, my $wake) or exit 1;
$SIG{CHLD} = sub { syswrite($wake, '.') };
$SIG{PIPE} = 'IGNORE';
say_now('ready');
while (1) {
  speak() if $urgent || length($said) > $most_gathered;
  my $ready = '';
  vec($ready, $_, 1) = 1 for 0, fileno($woken), grep { $streams{$_}{ahead} < $most_ahead } keys %streams;
  # Perl hears a signal between two of its operations: one that comes just before the wait is found by looking.
  my $wait = length $said ? $gathering : %by_pid || %ended ? $silence : undef;
  my $count = select($ready, undef, undef, $wait);
  $urgent ||= $count == 0 || now() > $said_since + $gathering if length $said;
  if ($count > 0) {
    sysread($woken, my $dots, 4096) if vec($ready, fileno($woken), 1);
    vec($ready, $_, 1) && carry($_) for keys %streams;
  }
  note_ends() if %by_pid;
  tell_ends() if %ended;
  next unless $count > 0 && vec($ready, 0, 1);
  my $bytes = sysread(STDIN, $input, 65536, length $input);
  exit 0 if defined $bytes && $bytes == 0;
  take_requests();
}

sub say_soon {
  $said_since = now() unless length $said;
  $said .= $_[0];
}

sub say_now {
  say_soon("@_\n");
  $urgent = 1;
}

sub speak {
  write_all(\*STDOUT, $said);
  ($said, $urgent) = ('', 0);
}

sub write_all {
  my ($to, $bytes) = @_;
  while (length $bytes) {
    my $count = syswrite($to, $bytes);
    return unless defined $count || $! == POSIX::EINTR();
    substr($bytes, 0, $count, '') if $count;
  }
}

sub take_requests {
  while (length($input) >= 8) {
    my ($texts, $script) = unpack('NN', $input);
    last if length($input) < 8 + $texts + $script;
    request(split(/\0/, substr($input, 8, $texts), -1), substr($input, 8 + $texts, $script));
    substr($input, 0, 8 + $texts + $script, '');
  }
}

sub request {
  my ($what, @texts) = @_;
  my $script = pop @texts;
  if ($what eq 'common') { %ENV = @texts }
  elsif ($what eq 'taken') { taken(@texts) }
  else { start(@texts, $script) }
}

sub taken {
  my ($id, $number, $bytes) = @_;
  my $stream = $jobs{$id} && $jobs{$id}{streams}{$number};
  $stream->{ahead} -= $bytes if $stream;
}

sub start {
  my $script = pop;
  my ($id, $directory, $unset, $set, @texts) = @_;
  # Here and not in the child: what that writes to has to be copied for it, page by page.
  delete local @ENV{ splice(@texts, 0, $unset) };
  my %set = splice(@texts, 0, 2 * $set);
  local @ENV{ keys %set } = values %set;
  my %pipes;
  for my $name ('stdin', 'stdout', 'stderr', 'failure') {
    pipe($pipes{$name}{read}, $pipes{$name}{write}) or return say_now('failed', $id, $! + 0);
  }
  my $pid = fork;
  return say_now('failed', $id, $! + 0) unless defined $pid;
  if ($pid == 0) {
    become(\%pipes, $directory, \@texts);
    syswrite($pipes{failure}{write}, $! + 0);
    POSIX::_exit(127);
  }
  close $pipes{stdin}{read};
  close $pipes{$_}{write} for 'stdout', 'stderr', 'failure';
  # Closed by exec; of a program that can't be started the number of the error is in it.
  my ($count, $failure);
  do { $count = sysread($pipes{failure}{read}, $failure, 16) } until defined $count;
  if ($count > 0) {
    waitpid($pid, 0);
    return say_now('failed', $id, $failure);
  }
  say_soon("started $id $pid\n");
  my $job = $jobs{$id} = $by_pid{$pid} = { id => $id, streams => {}, after => 0 };
  follow($job, 1, $pipes{stdout}{read});
  follow($job, 2, $pipes{stderr}{read});
  feed($pipes{stdin}{write}, $script);
}

# Returns only where something fails.
sub become {
  my ($pipes, $directory, $argv) = @_;
  POSIX::setsid();
  $SIG{$_} = 'DEFAULT' for 'CHLD', 'PIPE';
  POSIX::dup2(fileno $pipes->{stdin}{read}, 0) or return;
  POSIX::dup2(fileno $pipes->{stdout}{write}, 1) or return;
  POSIX::dup2(fileno $pipes->{stderr}{write}, 2) or return;
  chdir($directory) or return;
  no warnings 'exec';
  exec { $argv->[0] } @$argv;
}

# So much fits into any pipe that nobody reads yet; more is written by a process of its own.
sub feed {
  my ($to, $script) = @_;
  my $pid = length($script) > 4096 ? fork : undef;
  return if $pid;
  write_all($to, $script);
  POSIX::_exit(0) if defined $pid;
}

sub follow {
  my ($job, $number, $from) = @_;
  my $stream = { job => $job, number => $number, from => $from, ahead => 0 };
  $job->{streams}{$number} = $streams{fileno($from)} = $stream;
}

sub carry {
  my ($descriptor) = @_;
  my $stream = $streams{$descriptor};
  my $job = $stream->{job};
  my $count = sysread($stream->{from}, my $bytes, 65536);
  return unless defined $count;
  if ($count == 0) {
    delete $streams{$descriptor};
    delete $job->{streams}{ $stream->{number} };
    return;
  }
  # Nobody listens any more to what a process left running.
  return if $job->{over};
  say_soon("output $job->{id} $stream->{number} $count\n$bytes");
  $stream->{ahead} += $count;
  $job->{after} += $count if defined $job->{end};
  $job->{heard} = now();
}

sub note_ends {
  while ((my $pid = waitpid(-1, POSIX::WNOHANG())) > 0) {
    my $job = delete $by_pid{$pid} or next;
    $job->{end} = join(' ', $? >> 8, $? & 127);
    $job->{heard} = $job->{ended} = now();
    $ended{ $job->{id} } = $job;
  }
}

sub tell_ends {
  my $now = now();
  for my $job (values %ended) {
    my @open = values %{ $job->{streams} };
    $job->{heard} = $job->{ended} = $now if grep { $_->{ahead} >= $most_ahead } @open;
    my $is_quiet = $now - $job->{heard} >= $silence || $now - $job->{ended} >= $longest_after;
    next if @open && $job->{after} <= $most_after && !$is_quiet;
    say_now('ended', $job->{id}, $job->{end});
    $job->{over} = 1;
    $_->{ahead} = 0 for @open;
    delete $ended{ $job->{id} };
    delete $jobs{ $job->{id} };
  }
}
