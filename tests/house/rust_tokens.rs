//! A reader of Rust sources that is just good enough to see paths: comments, strings and
//! character literals are told apart, everything else becomes names and punctuation.

/// One name or one piece of punctuation (`::` is one token, `#[cfg(test)]` too).
#[derive(Debug, Clone)]
pub struct Token {
    /// The token as written; `#cfg(test)` for the attribute `#[cfg(test)]`.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
}

impl Token {
    /// Whether the token reads so.
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// The names and punctuation of a file, without comments and literals.
pub fn tokens(text: &str) -> Vec<Token> {
    Reader::new(text).read().0
}

/// The comments of a file with their first lines.
pub fn comments(text: &str) -> Vec<(usize, String)> {
    Reader::new(text).read().1
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<(usize, String)>,
}

impl Reader {
    fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            line: 1,
            tokens: Vec::new(),
            comments: Vec::new(),
        }
    }

    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn bump(&mut self) -> char {
        let c = self.peek(0);
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        c
    }

    fn push(&mut self, text: String, line: usize) {
        self.tokens.push(Token { text, line });
    }

    fn read(mut self) -> (Vec<Token>, Vec<(usize, String)>) {
        while self.at < self.chars.len() {
            let line = self.line;
            match self.peek(0) {
                c if c.is_whitespace() => {
                    self.bump();
                }
                '/' if self.peek(1) == '/' => self.line_comment(),
                '/' if self.peek(1) == '*' => self.block_comment(),
                '"' => self.string(),
                'r' | 'b' | 'c' if self.raw_hashes().is_some() => self.raw_string(),
                'b' | 'c' if self.peek(1) == '"' => {
                    self.bump();
                    self.string();
                }
                '\'' => self.quote(),
                c if c.is_alphanumeric() || c == '_' => {
                    let mut word = String::new();
                    while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                        word.push(self.bump());
                    }
                    self.push(word, line);
                }
                ':' if self.peek(1) == ':' => {
                    self.at += 2;
                    self.push("::".to_owned(), line);
                }
                c => {
                    self.bump();
                    self.push(c.to_string(), line);
                }
            }
        }
        (merge_cfg_test(self.tokens), self.comments)
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let mut comment = String::new();
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            comment.push(self.bump());
        }
        self.comments.push((line, comment));
    }

    fn block_comment(&mut self) {
        let line = self.line;
        let mut comment = String::new();
        let mut depth = 0;
        while self.at < self.chars.len() {
            if self.peek(0) == '/' && self.peek(1) == '*' {
                depth += 1;
                self.at += 2;
            } else if self.peek(0) == '*' && self.peek(1) == '/' {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    break;
                }
            } else {
                comment.push(self.bump());
            }
        }
        self.comments.push((line, comment));
    }

    fn string(&mut self) {
        self.bump();
        while self.at < self.chars.len() {
            match self.bump() {
                '\\' => {
                    self.bump();
                }
                '"' => break,
                _ => {}
            }
        }
    }

    /// Number of `#` of the raw string that starts here, if one does.
    fn raw_hashes(&self) -> Option<usize> {
        let prefix = match (self.peek(0), self.peek(1)) {
            ('r', _) => 1,
            ('b' | 'c', 'r') => 2,
            _ => return None,
        };
        let hashes = (0..).take_while(|i| self.peek(prefix + i) == '#').count();
        (self.peek(prefix + hashes) == '"').then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or(0);
        while self.bump() != '"' {}
        while self.at < self.chars.len() {
            if self.bump() == '"' && (0..hashes).all(|i| self.peek(i) == '#') {
                self.at += hashes;
                break;
            }
        }
    }

    /// A character literal or a lifetime.
    fn quote(&mut self) {
        self.bump();
        if self.peek(0) == '\\' {
            self.bump();
            self.bump();
            while self.at < self.chars.len() && self.bump() != '\'' {}
        } else if self.peek(1) == '\'' {
            self.bump();
            self.bump();
        }
        // Else a lifetime: its name is read as a word, which harms nobody.
    }
}

fn merge_cfg_test(tokens: Vec<Token>) -> Vec<Token> {
    let pattern = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut out = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        let here = tokens[i..].iter().take(pattern.len()).map(|t| t.text.as_str());
        if here.eq(pattern) {
            out.push(Token {
                text: "#cfg(test)".to_owned(),
                line: tokens[i].line,
            });
            i += pattern.len();
        } else {
            out.push(tokens[i].clone());
            i += 1;
        }
    }
    out
}
